//! The manual: design notes and guides.

#[doc = include_str!("../docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("../docs/glossary.md")]
pub mod glossary {}

#[doc = include_str!("../docs/archive.md")]
pub mod archive {}

#[doc = include_str!("../docs/connecting.md")]
pub mod connecting {}

#[doc = include_str!("../docs/sending.md")]
pub mod sending {}

#[doc = include_str!("../docs/scheduling.md")]
pub mod scheduling {}

#[doc = include_str!("../docs/implementing.md")]
pub mod implementing {}

#[doc = include_str!("../docs/operating.md")]
pub mod operating {}

#[doc = include_str!("../docs/upgrading.md")]
pub mod upgrading {}

#[cfg(all(feature = "testkit", feature = "conformance"))]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}
