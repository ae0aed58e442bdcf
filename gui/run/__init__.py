"""The run behind the window: its journal, its ear and its process. Nothing here knows Qt."""
