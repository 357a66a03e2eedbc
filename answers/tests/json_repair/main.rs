//! Reading damaged answers: what is still complete in the text comes back, and nothing else does.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod repairs;
#[cfg(test)]
mod support;
