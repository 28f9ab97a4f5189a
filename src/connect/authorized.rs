//! A transport that signs in with an access token, and asks for another when the server takes it no more.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::Connections;
use super::grants::sending_resource;
use crate::contract::{
    Credential, MailTransport, NewAccount, SendFailure, SendPermit, SendReport, Submission,
};
use crate::error::{ErrorKind, Result};
use crate::settings::Outgoing;
use crate::types::Secret;

/// One transport at a time, with the token it signs in with.
pub(super) struct AuthorizedTransport {
    connections: Connections,
    account: NewAccount,
    outgoing: Outgoing,
    current: Mutex<(Box<dyn MailTransport>, Secret)>,
}

impl AuthorizedTransport {
    pub(super) async fn open(
        connections: Connections,
        account: NewAccount,
        outgoing: Outgoing,
    ) -> Result<Self> {
        let current = Mutex::new(transport(&connections, &account, &outgoing, None).await?);
        Ok(Self { connections, account, outgoing, current })
    }
}

async fn transport(
    connections: &Connections,
    account: &NewAccount,
    outgoing: &Outgoing,
    refused: Option<&Secret>,
) -> Result<(Box<dyn MailTransport>, Secret)> {
    let token = connections.grants.access_token(account, sending_resource(outgoing), refused).await?;
    let credential = Credential::Token(token.clone());
    Ok((connections.connector.open_transport(outgoing, &credential).await?, token))
}

#[async_trait]
impl MailTransport for AuthorizedTransport {
    async fn send(
        &self,
        submission: &Submission,
        permit: Arc<dyn SendPermit>,
    ) -> Result<SendReport, SendFailure> {
        let mut current = self.current.lock().await;
        match current.0.send(submission, permit.clone()).await {
            // The sign-in comes before the message: nothing left.
            Err(failure) if failure.error.kind() == ErrorKind::AuthorizationRequired => {
                let refused = current.1.clone();
                *current =
                    transport(&self.connections, &self.account, &self.outgoing, Some(&refused)).await?;
                current.0.send(submission, permit).await
            }
            done => done,
        }
    }

    async fn close(&self) {
        self.current.lock().await.0.close().await;
    }
}
