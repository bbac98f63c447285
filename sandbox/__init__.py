"""Azure on this machine: stand-ins that speak the real protocols, so that the real clients run unchanged.

What lives here: the stand-ins for Service Bus, ARM billing, Microsoft Graph, managed identity and the
Functions host, the world they show, and the demo. Never deployed, never imported by the app; and it imports
nothing of the app either: it loads the app as Azure would.
"""
