"""The edges: everything that imports azure.*, msgraph or sqlite3, one room per port and backend."""
