"""Microsoft Graph's adapter: the client, the directory, and our subscriptions."""
