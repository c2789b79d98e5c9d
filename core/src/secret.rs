//! A string that nothing can print by accident.

use zeroize::Zeroizing;

/// A token, client secret or key. Zeroed on drop; has neither `Debug` nor `Display`, so that a
/// struct which holds one cannot derive them either.
///
/// ```compile_fail
/// println!("{:?}", evergrant::Secret::from("token"));
/// ```
/// ```compile_fail
/// println!("{}", evergrant::Secret::from("token"));
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every call is a place where a secret may leave: keep them few.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True for a blank secret, which no door accepts.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
