"""What goes over the wires of real microscopes: encodings and commands, without sockets."""
