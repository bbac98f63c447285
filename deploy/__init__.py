"""What brings the app to Azure. Nothing here is part of what runs there."""
