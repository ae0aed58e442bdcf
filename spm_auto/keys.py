"""`spm-auto keys`: who may use the instruments of this computer."""
