"""The Functions app: registers the blueprints of the part that it is, and nothing else."""

import azure.functions as func

from shared.bootstrap_front import has_desk, part

app = func.FunctionApp()

if part().has_core:
    from functions import health, intake, mail_check, notify, proof, reconcile, subscriptions, sweep

    app.register_functions(intake.blueprint)
    app.register_functions(reconcile.blueprint)
    app.register_functions(sweep.blueprint)
    app.register_functions(subscriptions.blueprint)
    app.register_functions(mail_check.blueprint)
    app.register_functions(health.blueprint)
    app.register_functions(proof.blueprint)
    app.register_functions(notify.blueprint)

if part().has_front:
    from functions import events, graph_notifications

    app.register_functions(events.blueprint)
    app.register_functions(graph_notifications.blueprint)

if has_desk():
    from functions import desk

    app.register_functions(desk.blueprint)
