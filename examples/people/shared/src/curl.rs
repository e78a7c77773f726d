//! A line for a shell for each kind of credential, as the program prints them and as the page shows them.

/// Where the service listens unless it is told otherwise.
pub(crate) const SITE: &str = "http://127.0.0.1:3000";

/// What is sent, and the line that sends it to this site. Cookies are kept in a file of this name.
pub(crate) fn lines(site: &str, jar: &str) -> [(&'static str, String); 5] {
    let basic = "-u 'emily:emily:s3cret'";
    let json = "-H 'Content-Type: application/json'";
    let token =
        format!("$(curl -s {basic} -X POST {site}/tokens | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')");
    [
        ("A name and a password", format!("curl {basic} {site}/me")),
        ("An access token", format!("curl -H \"Authorization: Bearer {token}\" {site}/me")),
        ("An access token, where no header can be set", format!("curl \"{site}/me?access_token={token}\"")),
        (
            "A session",
            format!(
                "curl -s -o {jar}.out -c {jar} {json} -d '{{\"username\":\"emma\",\"password\":\"pässwörd-emma\"}}' {site}/session && curl -b {jar} {site}/me"
            ),
        ),
        (
            "An API key",
            format!(
                "curl -H \"X-API-Key: $(curl -s {basic} {json} -d '{{\"name\":\"curl\"}}' {site}/keys | sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/')\" {site}/me"
            ),
        ),
    ]
}
