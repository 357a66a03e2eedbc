//! The store against real files.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod expiry;
#[cfg(test)]
mod migration;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trouble;

/// The contract, for SQLite.
#[cfg(test)]
mod sqlite {
    crate::contract::store_contract!(crate::support::sqlite);
}
