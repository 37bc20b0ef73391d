//! The commands of the README and of the first steps, run as a reader would run them.
