"""Azure's Functions host on this machine: a function app in a worker process of its own, and what feeds it.

`host.FunctionsHost` keeps the worker and its triggers; `admin.AdminDoors` is its HTTP side and `server` the
socket around that. `pump`, `timers` and `routes` are the rules of the triggers, free of sockets and tasks.
`worker` is the child process, the only place where Microsoft's worker library is loaded. Triggers: Service
Bus queues, timers, HTTP; outputs: Service Bus queues. Durable functions, topics and every other binding are
not here and are refused by name.
"""
