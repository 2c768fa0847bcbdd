// Judges a log by golang.org/x/mod/sumdb, the code behind Go's checksum database.
//
// Input, JSON: {"key", "checkpoint", "entries": [base64], "inclusion": [[index, size, [hex]]], "consistency": [[old, size, [hex]]],
// "roots": {"size": hex}}. Prints what was refused, as a JSON list of words.
package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type told struct {
	Key, Checkpoint        string
	Entries                []string
	Inclusion, Consistency [][]json.RawMessage
	Roots                  map[string]string
}

func hash(text string) (found tlog.Hash) {
	raw, _ := hex.DecodeString(text)
	copy(found[:], raw)
	return found
}

func proof(row []json.RawMessage) (first, size int64, hashes []tlog.Hash) {
	var texts []string
	json.Unmarshal(row[0], &first)
	json.Unmarshal(row[1], &size)
	json.Unmarshal(row[2], &texts)
	for _, text := range texts {
		hashes = append(hashes, hash(text))
	}
	return first, size, hashes
}

func main() {
	refused := []string{}
	var in told
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, err error) {
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	leaves := []tlog.Hash{}
	for number, entry := range in.Entries {
		raw, _ := base64.StdEncoding.DecodeString(entry)
		made, err := tlog.StoredHashes(int64(number), raw, reader)
		if err != nil {
			panic(err)
		}
		stored = append(stored, made...)
		leaves = append(leaves, tlog.RecordHash(raw))
	}
	if in.Checkpoint != "" {
		verifier, err := note.NewVerifier(in.Key)
		if err != nil {
			refused = append(refused, "key")
		} else if opened, err := note.Open([]byte(in.Checkpoint), note.VerifierList(verifier)); err != nil {
			refused = append(refused, "signature")
		} else {
			lines := strings.Split(opened.Text, "\n")
			root, err := tlog.TreeHash(int64(len(in.Entries)), reader)
			if err != nil || lines[0] != verifier.Name() || lines[1] != fmt.Sprint(len(in.Entries)) || lines[2] != root.String() {
				refused = append(refused, "root")
			}
		}
	}
	for _, row := range in.Inclusion {
		index, size, hashes := proof(row)
		if tlog.CheckRecord(hashes, size, hash(in.Roots[fmt.Sprint(size)]), index, leaves[index]) != nil {
			refused = append(refused, fmt.Sprintf("inclusion %d of %d", index, size))
		}
	}
	for _, row := range in.Consistency {
		old, size, hashes := proof(row)
		if tlog.CheckTree(hashes, size, hash(in.Roots[fmt.Sprint(size)]), old, hash(in.Roots[fmt.Sprint(old)])) != nil {
			refused = append(refused, fmt.Sprintf("consistency %d of %d", old, size))
		}
	}
	json.NewEncoder(os.Stdout).Encode(refused)
}
