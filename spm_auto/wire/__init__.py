"""The wire: what instruments and programs say to each other as bytes, without sockets and state."""
