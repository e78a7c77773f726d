//! Signed tokens against the mistakes of others, the RFCs' examples, other libraries, and jsonwebtoken as an oracle.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod elsewhere;
#[cfg(test)]
mod files;
#[cfg(test)]
mod handles;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod pitfalls;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod rfc;
#[cfg(test)]
mod signer;
#[cfg(test)]
mod workshop;
