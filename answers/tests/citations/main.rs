//! Citations against the evidence that was given.

#[cfg(test)]
mod findings;
#[cfg(test)]
mod mentions;
#[cfg(test)]
mod support;
