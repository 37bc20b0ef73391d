//! A registry that is hurt, and what must be true of it afterwards.

use std::collections::BTreeMap;

use skill_bundle::{
    hash::sha256,
    log::{
        checkpoint::{Policy, Signed},
        merkle,
        proof::Proof,
        tile::{Tile, read_bundle},
    },
    note::VerifierKey,
};
use skill_schema::Digest;
use skill_tests::{
    World, http,
    http::Answer,
    programs,
    publisher::{Publisher, Request},
    run,
};

/// A registry with one publisher, and everything that it has ever promised.
pub struct Trial {
    /// The registry.
    pub world: World,
    /// Who publishes.
    pub ada: Publisher,
    policy: Policy,
    acknowledged: Vec<(String, Digest, Proof)>,
    checkpoints: BTreeMap<u64, Signed>,
    next: u32,
}

impl Trial {
    /// A fresh registry.
    pub fn new() -> Self {
        Self::of(World::start())
    }

    /// A registry that runs.
    pub fn of(world: World) -> Self {
        let ada = Publisher::enrol(&world.registry, "ada");
        let key = world.registry.admin(&["key", "show"]).ok().stdout;
        let key: VerifierKey = key.trim().parse().expect("a key");
        let (acknowledged, checkpoints) = (Vec::new(), BTreeMap::new());
        Self { world, ada, policy: Policy::of_log(key), acknowledged, checkpoints, next: 0 }
    }

    /// A publish request that would be accepted now.
    pub fn request(&mut self) -> Request {
        self.next += 1;
        let next = self.ada.next(self.world.registry.address()).expect("a registry that answers");
        self.ada.request(next, &format!("1.{}.0", self.next))
    }

    /// Remembers what an answer promises; true if it acknowledges the publish.
    pub fn note(&mut self, scope: &str, request: &Request, answer: Option<&Answer>) -> bool {
        let Some(answer) = answer.filter(|answer| matches!(answer.status, 200 | 201)) else { return false };
        let body = answer.json();
        let proof = Proof::parse(body["proof"].as_str().expect("a proof").as_bytes()).expect("a proof");
        let stmt = body["stmt"].as_str().expect("a digest").parse().expect("a digest");
        self.see(&proof.checkpoint);
        self.acknowledged.push((format!("{scope}/{}", request.version), stmt, proof));
        true
    }

    /// Remembers a checkpoint that the registry showed. Two of one size with different roots end the test.
    fn see(&mut self, signed: &Signed) {
        signed.verify(&self.policy).expect("a checkpoint that the registry signed");
        let size = signed.checkpoint.size;
        if let Some(before) = self.checkpoints.insert(size, signed.clone()) {
            assert_eq!(before.checkpoint, signed.checkpoint, "two histories of one size were signed");
        }
    }

    /// The request is sent again until it is answered for good; then everything that must hold is looked at.
    pub fn settle(&mut self, request: &Request) {
        let answer = self.answer(request);
        assert!(
            matches!(answer.status, 200 | 201),
            "a retry succeeds: {} {}\n{}",
            answer.status,
            answer.text(),
            self.world.registry.log_text()
        );
        let scope = self.ada.scope().to_owned();
        assert!(self.note(&scope, request, Some(&answer)));
        self.check();
    }

    /// An answer to a request. A server that is dying of what was done to it is started again.
    fn answer(&mut self, request: &Request) -> Answer {
        for _ in 0..100 {
            if let Some(answer) = request.send(self.world.registry.address()) {
                return answer;
            }
            if self.world.registry.has_ended() {
                self.world.registry.forget();
                self.world.registry.start();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("the registry does not answer:\n{}", self.world.registry.log_text());
    }

    /// What must hold after every fault: the log is whole and continues every checkpoint ever shown, every acknowledged publish is in it at
    /// the place that its proof names and in the index, and `fsck` finds nothing.
    pub fn check(&mut self) {
        let address = self.world.registry.address();
        let get = |path: &str| http::send(address, "GET", path, &[], b"");
        let now = Signed::parse(&get("/log/checkpoint").body).expect("a checkpoint");
        self.see(&now);
        let size = now.checkpoint.size;
        let mut leaves = Vec::new();
        let mut statements = Vec::new();
        for index in 0..size.div_ceil(256) {
            let tile = Tile::at(0, index, size).expect("a tile of the log");
            let bundle = get(&format!("/log/{}", tile.entries())).body;
            for entry in read_bundle(&bundle, tile.width).expect("a bundle") {
                leaves.push(merkle::leaf_hash(entry));
                statements.push(sha256(entry));
            }
        }
        for (size, signed) in &self.checkpoints {
            let first = leaves.get(..usize::try_from(*size).expect("small")).expect("no leaf is lost");
            assert_eq!(merkle::root(first), signed.checkpoint.root, "the checkpoint of {size} does not hold any more");
        }
        let mut indexes: BTreeMap<String, String> = BTreeMap::new();
        for (version, stmt, proof) in &self.acknowledged {
            let place = usize::try_from(proof.index).expect("small");
            assert_eq!(statements.get(place), Some(stmt), "{version} is acknowledged and not in the log");
            proof.verify(&leaves[place], &self.policy).expect("its proof holds");
            let (scope, version) = version.split_once('/').expect("scope/version");
            let index = indexes.entry(scope.to_owned()).or_insert_with(|| get(&format!("/index/{scope}/notes")).text());
            assert!(index.contains(&format!("\"vers\":\"{version}\"")), "{version} is acknowledged and not visible");
        }
        self.fsck();
    }

    fn fsck(&self) {
        let data = self.world.registry.data().to_string_lossy().into_owned();
        let mut args = vec!["fsck", "--data", &data];
        if let Some(url) = self.world.registry.database() {
            args.extend(["--database-url", url]);
        }
        run::run(&programs::skill_registry(), &args, self.world.folder(), &[], None).ok();
    }

    /// How many publishes were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }
}
