"""`spm-auto serve`: an instrument in a process of its own, until somebody ends it."""
