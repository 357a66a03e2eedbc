//! Roots, opening and packing against a real file system.

#[cfg(test)]
mod ignoring;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod like_git;
#[cfg(test)]
mod open;
#[cfg(test)]
mod pack;
#[cfg(test)]
mod render;
#[cfg(test)]
mod roots;
#[cfg(test)]
mod share;
#[cfg(test)]
mod support;
#[cfg(test)]
mod walk;
