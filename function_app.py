"""The Functions app: registers the blueprints, and nothing else."""

import azure.functions as func

from functions import intake, reconcile, sweep

app = func.FunctionApp()
app.register_functions(intake.blueprint)
app.register_functions(reconcile.blueprint)
app.register_functions(sweep.blueprint)
