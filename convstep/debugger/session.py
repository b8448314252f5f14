"""A person's session: where one is in the recording, and how each key moves."""
