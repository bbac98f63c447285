"""Azure Service Bus queues on this machine.

`model` is the queues themselves: no socket, no thread, an injected clock. `server` carries the model over
AMQP 1.0, so that the official clients use it unchanged; `config` reads the queues from a file. Topics,
transactions, forwarding and persistence are not here: nothing in this project uses them.
"""
