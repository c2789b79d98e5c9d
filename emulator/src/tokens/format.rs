//! The shape of codes and tokens: 35 bytes, written as 70 hexadecimal digits.

const LENGTH: usize = 35;

/// A code, an access token or a refresh token. Not printable by accident: there is no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token([u8; LENGTH]);

impl Token {
    /// A fresh one: expiry (little-endian), a part of portal and application, the user (big-endian), `0000 07`, chance.
    pub(crate) fn mint(expires_at: i64, owner: [u8; 8], user_id: u64) -> Self {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&u32::try_from(expires_at).unwrap_or(u32::MAX).to_le_bytes());
        bytes[4..12].copy_from_slice(&owner);
        bytes[12..16].copy_from_slice(&u32::try_from(user_id).unwrap_or(u32::MAX).to_be_bytes());
        bytes[18] = 7;
        bytes[19..].copy_from_slice(&rand::random::<[u8; 16]>());
        Self(bytes)
    }

    /// What a client sent, if it can be a token at all.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; LENGTH * 2] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; LENGTH];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    pub(crate) fn text(&self) -> String {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.0
            .iter()
            .flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]])
            .map(char::from)
            .collect()
    }
}

/// Tokens are lower case; another case is another token.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
