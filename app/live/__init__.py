"""The Live page: what runs in the thread of the video, the connection, and what is shown."""
