//! Whoever can sign in at an authorization server of the kit.

use std::fmt;

/// The tenant of all personal Microsoft accounts (learn.microsoft.com, "ID token claims reference", `tid`).
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A person with an account: of an organisation, by the domain of their address, unless said otherwise.
///
/// ```
/// use practicemail::testkit::oauth::Person;
/// let anna = Person::new("anna@hale.example").principal_name("anna.h@hale.onmicrosoft.example");
/// assert_eq!(anna.address(), "anna@hale.example");
/// let paula = Person::new("paula@gmail.example").personal();
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Person {
    address: String,
    principal_name: Option<String>,
    organisation: Option<String>,
}

impl Person {
    /// A person of the organisation whose domain their address has.
    pub fn new(address: &str) -> Self {
        let organisation = address.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
        Self { address: address.to_owned(), principal_name: None, organisation }
    }

    /// A personal account: Gmail or Outlook.com, of no organisation.
    pub fn personal(mut self) -> Self {
        self.organisation = None;
        self
    }

    /// A person of this organisation, whatever domain their address has.
    pub fn organisation(mut self, domain: &str) -> Self {
        self.organisation = Some(domain.to_ascii_lowercase());
        self
    }

    /// Signs in with this name (UPN) at Microsoft, which is not their address.
    pub fn principal_name(mut self, name: &str) -> Self {
        self.principal_name = Some(name.to_owned());
        self
    }

    /// Their address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The domain of their organisation, unless the account is a personal one.
    pub(super) fn domain(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    /// The name they sign in with, where it is not the address.
    pub(super) fn other_name(&self) -> Option<&str> {
        self.principal_name.as_deref()
    }

    /// The name they sign in with.
    pub(super) fn name(&self) -> &str {
        self.other_name().unwrap_or(&self.address)
    }

    pub(super) fn is(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
    }

    /// The id of their Microsoft tenant.
    pub(super) fn tenant(&self) -> String {
        self.domain().map_or_else(|| CONSUMERS.to_owned(), tenant_of)
    }

    /// The number they are known by for ever (OIDC Core §2, `sub`).
    pub(super) fn subject(&self) -> String {
        digest(&self.address).chars().take(21).collect()
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}

/// The id of the tenant with that domain.
pub(super) fn tenant_of(domain: &str) -> String {
    let digest = digest(&domain.to_ascii_lowercase());
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn digest(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|octet| format!("{octet:02x}")).collect()
}
