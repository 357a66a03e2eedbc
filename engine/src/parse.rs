//! Reads the JSON that models write.
