"""Pictures and videos: reading, writing, and what is drawn into them."""
