"""What has to be set up once in a tenant, by somebody who may.

Lives here, and not in `shared/`: what runs in Azure has no code that could give an app a permission or an owner's role.
"""
