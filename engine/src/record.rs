//! The score record: everything that reproducing a score needs.
