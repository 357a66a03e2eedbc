//! Which files may be read, and how they are packed into a prompt.
//!
//! Order of work: [`Roots`] says what is open to this server, [`pack`] resolves what a caller named, opens it beneath
//! a root, reads it once and shares the token budget out, and [`render`] writes the result as prompt text.
//! Everything here blocks on the file system: async callers go through `spawn_blocking`.

mod budget;
mod bytes;
mod deny;
mod encoding;
mod excerpt;
mod ignoring;
mod image;
mod open;
mod pack;
mod paths;
mod private_key;
mod read;
mod rejection;
mod render;
mod resolve;
mod roots;
mod secret_names;
mod text;
mod walk;
mod whole;

pub use budget::{Budget, Limits, estimate_tokens, estimate_tokens_of_bytes};
pub use bytes::{FileBytes, place_for, read_bytes};
pub(crate) use encoding::{Encoding, Sniffed, sniff};
pub use excerpt::{cost, cut, ranges};
pub use image::{MAX_IMAGE_BYTES, image};
pub use open::open_beneath;
pub use pack::pack_until;
pub use pack::{Packed, pack};
pub use paths::{LineRange, Located, file_url_path};
pub(crate) use private_key::{holds_private_key, is_key_border};
pub use read::hash_of;
pub use rejection::Rejection;
pub(crate) use render::escape;
pub use render::{fence_tag, render};
pub use resolve::{Origin, Wanted};
pub use roots::{IgnoredRoot, RootCandidate, RootOrigin, Roots};
pub(crate) use walk::generated;
pub(crate) use whole::{WholeText, looks_like, read_whole, refused_by_name};
