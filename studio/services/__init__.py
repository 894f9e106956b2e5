"""What the studio can do, the same for the page, the command line and the API."""
