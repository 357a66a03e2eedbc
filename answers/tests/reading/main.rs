//! Whole answers in the many forms that models give them.

#[cfg(test)]
mod conservation;
#[cfg(test)]
mod good;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod table;
