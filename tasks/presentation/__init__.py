"""What the pages, the terminal and the API show, in words and rows. No requests, no HTML."""
