"""What people and programs are told: reading it, and its documents. The command line and the page share them."""
