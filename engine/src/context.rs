//! Which files may be read, and how they are packed.
