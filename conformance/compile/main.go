// Command compile turns OPA's own conformance cases into what the runner beside it evaluates: for
// each set of cases a folder with the policies in Wasm and one line of JSON per case. The cases are
// read from OPA's module, wherever Go keeps it; nothing of them is kept in this repository.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/types"
)

type caseSet struct {
	name    string
	folder  string // in OPA's module
	version ast.RegoVersion
	// Built-ins that exist for these cases only; the runner has them.
	builtins []rego.Function
}

var sleep = rego.Function{Name: "test.sleep", Decl: types.NewFunction(types.Args(types.S), types.NewNull())}

var sets = []caseSet{
	{"v1", "v1/test/cases/testdata/v1", ast.RegoV1, []rego.Function{sleep}},
	{"v0", "v1/test/cases/testdata/v0", ast.RegoV0, []rego.Function{sleep}},
	{"wasm", "v1/test/wasm/assets", ast.RegoV1, []rego.Function{
		sleep,
		{Name: "custom_builtin_test", Decl: types.NewFunction(types.Args(types.N), types.N)},
		{Name: "custom_builtin_test_impure", Decl: types.NewFunction(nil, types.N)},
		{Name: "custom_builtin_test_memoization", Decl: types.NewFunction(nil, types.N)},
	}},
}

// record is one case as the runner reads it. What has numbers is text, so that none loses digits.
type record struct {
	Group       string   `json:"group"`
	Note        string   `json:"note"`
	Query       string   `json:"query"`
	Modules     []string `json:"modules,omitempty"`
	Wasm        string   `json:"wasm,omitempty"`
	Refusal     string   `json:"refusal,omitempty"`
	Data        string   `json:"data"`
	Input       *string  `json:"input,omitempty"`
	WantDefined *bool    `json:"wantDefined,omitempty"`
	WantResult  *string  `json:"wantResult,omitempty"`
	WantCode    *string  `json:"wantCode,omitempty"`
	WantError   *string  `json:"wantError,omitempty"`
	// How the result is to be compared.
	SortBindings    bool `json:"sortBindings,omitempty"`
	IgnoreGenerated bool `json:"ignoreGenerated,omitempty"`
	StrictError     bool `json:"strictError,omitempty"`
}

func main() {
	log.SetFlags(0)
	opa := flag.String("opa", "", "folder of OPA's module")
	out := flag.String("out", "", "folder for the compiled cases, which must not exist")
	flag.Parse()
	for _, set := range sets {
		if err := compileSet(set, *opa, filepath.Join(*out, set.name)); err != nil {
			log.Fatalf("Cannot compile the cases of %s: %v", set.name, err)
		}
	}
}

func compileSet(set caseSet, opa, out string) error {
	folder := filepath.Join(opa, set.folder)
	loaded, err := loadCases(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	records := make([]record, len(loaded))
	failures := make([]error, len(loaded))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for i := range next {
				records[i], failures[i] = compileCase(set, folder, out, loaded[i])
			}
		})
	}
	for i := range loaded {
		next <- i
	}
	close(next)
	workers.Wait()
	for _, failure := range failures {
		if failure != nil {
			return failure
		}
	}
	fmt.Printf("%s: %d cases\n", set.name, len(records))
	return writeRecords(filepath.Join(out, "cases.ndjson"), records)
}

// loadCases reads file by file, because not everything beside the cases is one.
func loadCases(folder string) (loaded []cases.TestCase, err error) {
	err = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		set, err := cases.Load(path)
		loaded = append(loaded, set.Cases...)
		return err
	})
	return loaded, err
}

// compileCase fails for what is wrong here; a case that OPA refuses is a record of that.
func compileCase(set caseSet, folder, out string, from cases.TestCase) (record, error) {
	group, err := filepath.Rel(folder, filepath.Dir(from.Filename))
	if err != nil {
		return record{}, err
	}
	if group == "." {
		group = strings.TrimSuffix(filepath.Base(from.Filename), filepath.Ext(from.Filename))
	}
	made := record{
		Group: group, Note: from.Note, Query: from.Query, Modules: from.Modules,
		WantDefined: from.WantDefined, WantCode: from.WantErrorCode, WantError: from.WantError,
		SortBindings: from.SortBindings, IgnoreGenerated: from.IgnoreGeneratedVars, StrictError: from.StrictError,
	}
	if len(from.Env) > 0 {
		return record{}, fmt.Errorf("%s: the runner sets no environment", from.Note)
	}
	made.Data = "{}"
	if from.Data != nil {
		if made.Data, err = toJSON(from.Data); err != nil {
			return record{}, err
		}
	}
	if from.WantResult != nil {
		text, err := toJSON(from.WantResult)
		if err != nil {
			return record{}, err
		}
		made.WantResult = &text
	}
	if made.Input, err = readInput(from); err != nil {
		return record{}, err
	}
	wasm, err := compile(set, from)
	if err != nil {
		made.Refusal = err.Error()
		return made, nil
	}
	sum := sha256.Sum256(wasm)
	made.Wasm = hex.EncodeToString(sum[:12]) + ".wasm"
	return made, os.WriteFile(filepath.Join(out, made.Wasm), wasm, 0o644)
}

// readInput gives Rego text, which JSON is, too; nil when the case has no input.
func readInput(from cases.TestCase) (*string, error) {
	if from.InputTerm != nil {
		term, err := ast.ParseTerm(*from.InputTerm)
		if err != nil {
			return nil, err
		}
		text := term.String()
		return &text, nil
	}
	if from.Input == nil {
		return nil, nil
	}
	text, err := toJSON(*from.Input)
	return &text, err
}

func compile(set caseSet, from cases.TestCase) (wasm []byte, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("panic: %v", thrown)
		}
	}()
	capabilities := ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(from.ExperimentalKeywords))
	options := []func(*rego.Rego){
		rego.Query(from.Query), rego.SetRegoVersion(set.version), rego.Capabilities(capabilities),
	}
	for i := range set.builtins {
		options = append(options, rego.FunctionDecl(&set.builtins[i]))
	}
	for i, module := range from.Modules {
		options = append(options, rego.Module(fmt.Sprintf("module%d.rego", i), module))
	}
	result, err := rego.New(options...).Compile(context.Background())
	if err != nil {
		return nil, err
	}
	return result.Bytes, nil
}

func toJSON(value any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

func writeRecords(path string, records []record) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	writer := bufio.NewWriter(file)
	for _, made := range records {
		line, err := toJSON(made)
		if err != nil {
			return err
		}
		if _, err := writer.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return writer.Flush()
}
