//! Ignore files: which hold in a folder, and what they say of an entry, by the rules of git.

mod glob;
mod pattern;
