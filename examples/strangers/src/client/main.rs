//! Asks servers for what they have, and knows nothing but their addresses:
//! `strangers-client http://127.0.0.1:4001/reports http://127.0.0.1:4002/images`
//!
//! It is refused, reads in the refusal where tokens come from, has somebody sign in there, and asks again, with a token for each server. Any
//! authorization server that has the device grant (RFC 8628) will do, if it knows the client (`CLIENT_ID` in the environment).

#![expect(clippy::print_stdout, reason = "it is a program of the command line")]

mod discovery;
mod sign_in;
mod web;

use std::{env, error::Error};

use self::{discovery::Wanted, sign_in::SignedIn, web::Web};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = env::var("CLIENT_ID").unwrap_or_else(|_| "strangers-client".to_owned());
    let addresses: Vec<String> = env::args().skip(1).collect();
    let web = Web::new()?;

    // What is open to anybody is shown; of the others it is found out what they want.
    let mut wanted = Vec::new();
    for address in addresses {
        match discovery::ask(&web, &address).await? {
            Ok(text) => println!("{text}"),
            Err(wants) => wanted.push(wants),
        }
    }
    let Some(first) = wanted.first() else { return Ok(()) };
    if let Some(other) = wanted.iter().find(|other| other.issuer != first.issuer) {
        return Err(format!("{} and {} are signed in at one by one", first.issuer, other.issuer).into());
    }

    let server = discovery::server(&web, &first.issuer).await?;
    let scopes: Vec<&str> = wanted.iter().map(|one| one.scope.as_str()).collect();
    let mut me = SignedIn::begin(&web, &server, &client, &scopes.join(" ")).await?;
    for Wanted { address, resource, .. } in &wanted {
        let token = me.token_for(&web, resource).await?;
        println!("{}", web.get(address, Some(&token)).await?.text()?);
    }
    Ok(())
}
