//! The subcommands, one file each, and how they print.

pub(crate) mod activity;
pub(crate) mod cache;
mod client;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod health;
pub(crate) mod models;
pub(crate) mod prompts;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod status;
mod table;
pub(crate) mod threads;
pub(crate) mod tools;
pub(crate) mod usage;
pub(crate) mod version;

pub(crate) use crate::terminal::{print, print_json};
