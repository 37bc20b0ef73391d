//! Reports of a record for people and for other tools.
