//! The store against real files.

#[cfg(test)]
mod durability;
#[cfg(test)]
mod lookup;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod story;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trouble;
