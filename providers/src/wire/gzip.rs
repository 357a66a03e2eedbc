//! An answer that was compressed without a word of it in its head.

use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;

/// How such an answer begins (RFC 1952).
pub(super) const MARK: [u8; 2] = [0x1f, 0x8b];

/// What was compressed, when it has no more than `cap` bytes.
pub(super) fn unpacked(bytes: &[u8], cap: usize) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let most = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(bytes).take(most).read_to_end(&mut unpacked)?;
    if unpacked.len() > cap {
        return Err(io::Error::other(format!("more than {cap} bytes were compressed")));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn what_is_unpacked_has_a_bound() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&[b'x'; 10_000]).unwrap();
        let packed = encoder.finish().unwrap();
        assert!(packed.starts_with(&MARK) && packed.len() < 100);
        assert_eq!(unpacked(&packed, 10_000).unwrap().len(), 10_000);
        assert!(unpacked(&packed, 9_999).is_err());
        assert!(unpacked(&packed[..packed.len() - 9], 10_000).is_err(), "a part is not the whole");
    }
}
