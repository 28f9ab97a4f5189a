//! Clients whose messages were erased until they are back.

use super::scene::{CLIENT, Scene};
use crate::contract::{Archive as _, Bars, ClientKey, EraseReason, Erasure};
use crate::types::ClientId;

impl Scene {
    /// Erases the first message until its client is back.
    async fn erase_until_back(&self) {
        let (message, _) = self.copy(1).await.unwrap();
        let mut erasure = Erasure::new(self.fence.practice.clone(), vec![message], EraseReason::Client);
        erasure.bars = Bars::UntilClientIsBack(ClientId::new("c").unwrap());
        self.store.erase_messages(&erasure).await.unwrap();
    }

    async fn is_away(&self) -> Option<bool> {
        self.sync().await;
        let erased = self.store.erased_clients(&self.fence.practice).await.unwrap();
        erased.first().map(|client| client.was_away)
    }
}

/// A7: keys that are taken away for a moment, or cannot be used, undo no erasing.
#[tokio::test]
async fn a_client_is_away_when_it_is_not_there_and_back_when_it_has_keys() {
    let scene = Scene::start().await;
    let other = [ClientKey::Address("other@example.org".to_owned())];
    scene.directory.put_client(&scene.fence.practice, ClientId::new("d").unwrap(), other).unwrap();
    scene.append(1, CLIENT);
    scene.sync().await;
    scene.erase_until_back().await;
    for keys in [&[][..], &["no address"], &["client@example.org"]] {
        scene.clients(keys);
        assert_eq!(scene.is_away().await, Some(false), "{keys:?}");
    }
    assert!(scene.copy(1).await.is_none(), "it was never away");
    scene.directory.remove_client(&scene.fence.practice, &ClientId::new("c").unwrap()).unwrap();
    assert_eq!(scene.is_away().await, Some(true));
    scene.clients(&[]);
    assert_eq!(scene.is_away().await, Some(true), "nothing could be read again by no keys");
    scene.clients(&["client@example.org"]);
    assert_eq!(scene.is_away().await, None);
    assert!(scene.copy(1).await.is_some());
}

#[tokio::test]
async fn a_directory_without_a_key_does_not_show_that_a_client_is_away() {
    let scene = Scene::start().await;
    scene.append(1, CLIENT);
    scene.sync().await;
    scene.erase_until_back().await;
    scene.directory.remove_client(&scene.fence.practice, &ClientId::new("c").unwrap()).unwrap();
    assert_eq!(scene.is_away().await, Some(false));
}
