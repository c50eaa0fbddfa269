//! Speaks: HTTP and gRPC, and the calls to participants. Translation and auth, no judgement.

pub mod call;
