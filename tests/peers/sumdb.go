// Command sumdb is what Go's implementation of transparent logs (golang.org/x/mod/sumdb) makes of our log, and makes for us to judge.
//
//	sumdb audit   reads {"url", "vkey", "witness", "checkpoints"} and audits the whole log of a running registry
//	sumdb make    reads {"seed", "name", "witness", "texts", "entries", "sizes"} and writes signed and cosigned notes, roots and proofs
//	sumdb check   reads {"vkey", "witness", "notes", "records", "trees"} that we made and checks them
//
// Input and output are JSON on standard input and output. It ends with status 1 and a line on standard error at the first thing that is
// not as it must be.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

func main() {
	commands := map[string]func() (interface{}, error){"audit": audit, "make": makeAll, "check": check}
	run := commands[strings.Join(os.Args[1:], " ")]
	if run == nil {
		fmt.Fprintln(os.Stderr, "usage: sumdb audit|make|check")
		os.Exit(2)
	}
	answer, err := run()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sumdb:", err)
		os.Exit(1)
	}
}

func read(into interface{}) error {
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// ---- audit

// A checkpoint as C2SP writes it: origin, size, root. tlog.ParseTree reads only that of the Go checksum database.
func (s *server) open(text []byte) (tlog.Tree, error) {
	opened, err := note.Open(text, s.known)
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, signed := s.log, false
	for _, signature := range opened.Sigs {
		signed = signed || signature.Name == verifier.Name() && signature.Hash == verifier.KeyHash()
	}
	if !signed {
		return tlog.Tree{}, errors.New("the log has not signed it")
	}
	s.cosigned += len(opened.Sigs) - 1
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("a size of %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

type server struct {
	url      string
	log      note.Verifier
	known    note.Verifiers
	saved    map[string][]byte
	reads    int
	cosigned int
	client   http.Client
}

func (s *server) get(path string) ([]byte, error) {
	s.reads++
	answer, err := s.client.Get(s.url + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 32<<20))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s: %.200s", path, answer.Status, body)
	}
	return body, nil
}

// The path of a tile, without the height that Go has in it and C2SP has not.
func c2sp(tile tlog.Tile) string {
	return "/log/" + strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

func (s *server) Height() int { return height }

func (s *server) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := c2sp(tile)
		data := s.saved[path]
		if data == nil {
			var err error
			if data, err = s.get(path); err != nil {
				return nil, err
			}
			if len(data) != tile.W*tlog.HashSize {
				return nil, fmt.Errorf("%s has %d bytes", path, len(data))
			}
		}
		all = append(all, data)
	}
	return all, nil
}

// SaveTiles is called for tiles that are proved to be in the tree, and only for them.
func (s *server) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		s.saved[c2sp(tile)] = data[i]
	}
}

func (s *server) bundle(index int64, entries int) ([][]byte, error) {
	path := c2sp(tlog.Tile{H: height, L: 0, N: index, W: entries})
	path = strings.Replace(path, "/tile/0/", "/tile/entries/", 1)
	rest, err := s.get(path)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for len(rest) > 0 {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("%s is cut off", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		all, rest = append(all, rest[2:end]), rest[end:]
	}
	if len(all) != entries {
		return nil, fmt.Errorf("%s has %d entries", path, len(all))
	}
	return all, nil
}

type auditAnswer struct {
	Size        int64     `json:"size"`
	Root        tlog.Hash `json:"root"`
	Tiles       int       `json:"tiles"`
	Entries     int       `json:"entries"`
	Inclusion   int       `json:"inclusion"`
	Ready       int       `json:"ready"`
	Consistency int       `json:"consistency"`
	Cosigned    int       `json:"cosigned"`
	Requests    int       `json:"requests"`
}

func audit() (interface{}, error) {
	var in struct {
		URL         string   `json:"url"`
		VKey        string   `json:"vkey"`
		Witness     *string  `json:"witness"`
		Checkpoints []string `json:"checkpoints"`
	}
	if err := read(&in); err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(in.VKey)
	if err != nil {
		return nil, err
	}
	s := &server{url: in.URL, log: verifier, known: note.VerifierList(verifier), saved: map[string][]byte{}}
	if in.Witness != nil {
		cosigner, err := parseWitness(*in.Witness)
		if err != nil {
			return nil, err
		}
		s.known = note.VerifierList(verifier, cosigner)
	}
	text, err := s.get("/log/checkpoint")
	if err != nil {
		return nil, err
	}
	tree, err := s.open(text)
	if err != nil {
		return nil, err
	}
	answer := auditAnswer{Size: tree.N, Root: tree.Hash}
	reader := tlog.TileHashReader(tree, s)
	if err := auditTiles(tree, reader, &answer); err != nil {
		return nil, err
	}
	if err := auditEntries(s, tree, reader, &answer); err != nil {
		return nil, err
	}
	for _, text := range in.Checkpoints {
		old, err := s.open([]byte(text))
		if err != nil {
			return nil, err
		}
		if old.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		if err != nil {
			return nil, fmt.Errorf("from %d: %v", old.N, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			return nil, fmt.Errorf("from %d: %v", old.N, err)
		}
		answer.Consistency++
	}
	answer.Requests, answer.Cosigned = s.reads, s.cosigned
	return answer, nil
}

// Reads every tile of the tree, all of its hashes; the reader proves each of them from the root.
func auditTiles(tree tlog.Tree, reader tlog.HashReader, answer *auditAnswer) error {
	for level := 0; tree.N>>(height*level) > 0; level++ {
		hashes := tree.N >> (height * level)
		for from := int64(0); from < hashes; from += width {
			var indexes []int64
			for n := from; n < hashes && n < from+width; n++ {
				indexes = append(indexes, tlog.StoredHashIndex(level*height, n))
			}
			if _, err := reader.ReadHashes(indexes); err != nil {
				return fmt.Errorf("tile %d of level %d: %v", from/width, level, err)
			}
			answer.Tiles++
		}
	}
	return nil
}

// Reads every entry, and proves that it is where it stands: from the tiles, and by the proof that the registry has ready.
func auditEntries(s *server, tree tlog.Tree, reader tlog.HashReader, answer *auditAnswer) error {
	var stored memory
	for index := int64(0); index*width < tree.N; index++ {
		count := width
		if left := tree.N - index*width; left < width {
			count = int(left)
		}
		entries, err := s.bundle(index, count)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			leaf, place := tlog.RecordHash(entry), index*width+int64(i)
			if err := stored.add(place, entry); err != nil {
				return err
			}
			proof, err := tlog.ProveRecord(tree.N, place, reader)
			if err != nil {
				return fmt.Errorf("leaf %d: %v", place, err)
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, place, leaf); err != nil {
				return fmt.Errorf("leaf %d: %v", place, err)
			}
			answer.Inclusion++
			if err := s.ready(place, leaf); err != nil {
				return fmt.Errorf("leaf %d, ready proof: %v", place, err)
			}
			answer.Ready++
			answer.Entries++
		}
	}
	root, err := tlog.TreeHash(tree.N, &stored)
	if err == nil && root != tree.Hash {
		err = errors.New("the entries have another root")
	}
	return err
}

// Checks the proof that the registry has ready for a leaf (C2SP tlog-proof).
func (s *server) ready(place int64, leaf tlog.Hash) error {
	text, err := s.get("/log/proof/" + hex.EncodeToString(leaf[:]))
	if err != nil {
		return err
	}
	cut := bytes.Index(text, []byte("\n\n"))
	if cut < 0 {
		return errors.New("no checkpoint")
	}
	lines := strings.Split(string(text[:cut]), "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", place) {
		return fmt.Errorf("it begins with %q", lines)
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := s.open(text[cut+2:])
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, place, leaf)
}

// ---- cosignatures

// A witness (C2SP tlog-cosignature), which note knows nothing of but lets us add.
type witness struct {
	name   string
	key    ed25519.PublicKey
	secret ed25519.PrivateKey
	time   uint64
}

func parseWitness(vkey string) (*witness, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no key", vkey)
	}
	data, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(data) != 1+ed25519.PublicKeySize || data[0] != 4 {
		return nil, fmt.Errorf("%q is no key of a witness", vkey)
	}
	w := &witness{name: parts[0], key: data[1:]}
	if fmt.Sprintf("%08x", w.KeyHash()) != parts[1] {
		return nil, fmt.Errorf("%q has another hash", vkey)
	}
	return w, nil
}

func (w *witness) Name() string { return w.name }

func (w *witness) KeyHash() uint32 {
	hash := sha256.Sum256([]byte(w.name + "\n\x04" + string(w.key)))
	return binary.BigEndian.Uint32(hash[:])
}

func cosigned(time uint64, text []byte) []byte {
	return []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text))
}

func (w *witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(w.key, cosigned(binary.BigEndian.Uint64(signature), text), signature[8:])
}

func (w *witness) Sign(text []byte) ([]byte, error) {
	signature := binary.BigEndian.AppendUint64(nil, w.time)
	return append(signature, ed25519.Sign(w.secret, cosigned(w.time, text))...), nil
}

// ---- make and check

// The hashes of a tree in the order in which tlog stores them.
type memory []tlog.Hash

func (m *memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, index := range indexes {
		hashes = append(hashes, (*m)[index])
	}
	return hashes, nil
}

func (m *memory) add(n int64, entry []byte) error {
	hashes, err := tlog.StoredHashes(n, entry, m)
	*m = append(*m, hashes...)
	return err
}

type record struct {
	Size  int64       `json:"size"`
	Root  tlog.Hash   `json:"root"`
	Index int64       `json:"index"`
	Leaf  tlog.Hash   `json:"leaf"`
	Proof []tlog.Hash `json:"proof"`
}

type tree struct {
	Size    int64       `json:"size"`
	Root    tlog.Hash   `json:"root"`
	Old     int64       `json:"old"`
	OldRoot tlog.Hash   `json:"oldRoot"`
	Proof   []tlog.Hash `json:"proof"`
}

func makeAll() (interface{}, error) {
	var in struct {
		Seed    string `json:"seed"`
		Name    string `json:"name"`
		Witness struct {
			Seed string `json:"seed"`
			Name string `json:"name"`
			Time uint64 `json:"time"`
		} `json:"witness"`
		Texts   []string `json:"texts"`
		Entries []string `json:"entries"`
		Sizes   []int64  `json:"sizes"`
	}
	if err := read(&in); err != nil {
		return nil, err
	}
	var out struct {
		VKey    string   `json:"vkey"`
		Notes   []string `json:"notes"`
		Records []record `json:"records"`
		Trees   []tree   `json:"trees"`
	}
	seed, err := hex.DecodeString(in.Seed)
	if err != nil {
		return nil, err
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if out.VKey, err = note.NewEd25519VerifierKey(in.Name, public); err != nil {
		return nil, err
	}
	hash := strings.Split(out.VKey, "+")[1]
	secret := base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))
	signer, err := note.NewSigner("PRIVATE+KEY+" + in.Name + "+" + hash + "+" + secret)
	if err != nil {
		return nil, err
	}
	if seed, err = hex.DecodeString(in.Witness.Seed); err != nil {
		return nil, err
	}
	private := ed25519.NewKeyFromSeed(seed)
	cosigner := &witness{in.Witness.Name, private.Public().(ed25519.PublicKey), private, in.Witness.Time}
	for _, text := range in.Texts {
		signed, err := note.Sign(&note.Note{Text: text}, signer, cosigner)
		if err != nil {
			return nil, err
		}
		out.Notes = append(out.Notes, string(signed))
	}
	var stored memory
	for n, entry := range in.Entries {
		if err := stored.add(int64(n), []byte(entry)); err != nil {
			return nil, err
		}
	}
	for _, size := range in.Sizes {
		root, err := tlog.TreeHash(size, &stored)
		if err != nil {
			return nil, err
		}
		for index := int64(0); index < size; index++ {
			proof, err := tlog.ProveRecord(size, index, &stored)
			if err != nil {
				return nil, err
			}
			leaf := tlog.RecordHash([]byte(in.Entries[index]))
			out.Records = append(out.Records, record{size, root, index, leaf, proof})
			old, err := tlog.TreeHash(index+1, &stored)
			if err != nil {
				return nil, err
			}
			consistency, err := tlog.ProveTree(size, index+1, &stored)
			if err != nil {
				return nil, err
			}
			out.Trees = append(out.Trees, tree{size, root, index + 1, old, consistency})
		}
	}
	return out, nil
}

func check() (interface{}, error) {
	var in struct {
		VKey    string   `json:"vkey"`
		Witness string   `json:"witness"`
		Notes   []string `json:"notes"`
		Records []record `json:"records"`
		Trees   []tree   `json:"trees"`
	}
	if err := read(&in); err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(in.VKey)
	if err != nil {
		return nil, err
	}
	cosigner, err := parseWitness(in.Witness)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, text := range in.Notes {
		opened, err := note.Open([]byte(text), note.VerifierList(verifier, cosigner))
		if err != nil {
			return nil, fmt.Errorf("%q: %v", text, err)
		}
		if len(opened.Sigs) != 2 {
			return nil, fmt.Errorf("%q: %d known signatures", text, len(opened.Sigs))
		}
		texts = append(texts, opened.Text)
	}
	for _, r := range in.Records {
		if err := tlog.CheckRecord(r.Proof, r.Size, r.Root, r.Index, r.Leaf); err != nil {
			return nil, fmt.Errorf("leaf %d of %d: %v", r.Index, r.Size, err)
		}
	}
	for _, t := range in.Trees {
		if err := tlog.CheckTree(t.Proof, t.Size, t.Root, t.Old, t.OldRoot); err != nil {
			return nil, fmt.Errorf("%d to %d: %v", t.Old, t.Size, err)
		}
	}
	return map[string]interface{}{"texts": texts, "records": len(in.Records), "trees": len(in.Trees)}, nil
}
