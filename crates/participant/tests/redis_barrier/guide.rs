//! The script in `docs/guides/redis-participant.md` does what the page says.

use participant::redis::{BusinessScript, Change};
use transaction::Operation;

use crate::store::{Store, tcc, told};

const GUIDE: &str = include_str!("../../../../docs/guides/redis-participant.md");

#[tokio::test]
async fn the_seats_of_the_guide() {
    let store = Store::open().await;
    let lua = GUIDE.split_once("```lua\n").unwrap().1.split_once("```").unwrap().0;
    let keys = [store.key("free"), store.key("held")];
    let seats = Change::new(&BusinessScript::new(lua), &keys, Vec::new()).unwrap();
    let () = store.command(&["SADD", &keys[0], "17"]).await;

    let first = store.run(&tcc("one", Operation::Try), &seats).await;
    assert_eq!((first.status.as_u16(), first.body.as_slice()), (200, &br#"{"seat":"17"}"#[..]));
    assert_eq!(store.run(&tcc("one", Operation::Try), &seats).await, first);
    assert_eq!(told(&store.run(&tcc("two", Operation::Try), &seats).await), (409, "sold_out".to_owned()));
    let held: Vec<String> = store.command(&["SMEMBERS", &keys[1]]).await;
    assert_eq!(held, ["17"]);
}
