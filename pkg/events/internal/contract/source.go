package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"filmgate.dev/pkg/events"
)

// source is what reflection cannot see of the Go types: their comments, and their text.
type source struct {
	comments map[string]string // "Photo" or "Photo.ID" → what its comment says
	decls    []decl            // of the first file
}

type decl struct {
	node ast.Decl
	text string
}

func parseSource(dir string, names ...string) (source, error) {
	src := source{comments: map[string]string{}}
	for i, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return src, err
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, content, parser.ParseComments)
		if err != nil {
			return src, err
		}
		ast.Inspect(tree, func(n ast.Node) bool { src.comment(n); return true })
		if i > 0 {
			continue
		}
		for _, d := range tree.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok == token.IMPORT {
				continue
			}
			from := g.Pos()
			if g.Doc != nil {
				from = g.Doc.Pos()
			}
			text := content[set.Position(from).Offset:set.Position(g.End()).Offset]
			src.decls = append(src.decls, decl{g, string(text)})
		}
	}
	return src, nil
}

func (s source) comment(n ast.Node) {
	g, ok := n.(*ast.GenDecl)
	if !ok || g.Tok != token.TYPE {
		return
	}
	for _, spec := range g.Specs {
		t := spec.(*ast.TypeSpec)
		s.comments[t.Name.Name] = sentence(g.Doc)
		fields, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range fields.Fields.List {
			for _, name := range f.Names {
				s.comments[t.Name.Name+"."+name.Name] = sentence(f.Comment)
			}
		}
	}
}

func sentence(c *ast.CommentGroup) string {
	return strings.Join(strings.Fields(c.Text()), " ")
}

// sdkTypes copies the types of the public events, so that the SDK depends on nothing of ours.
func sdkTypes(src source) (file, error) {
	wanted := map[string]bool{"Type": true}
	internal := map[string]bool{}
	for _, k := range events.Kinds() {
		if k.Public {
			reach(reflect.TypeOf(k.Data), wanted)
		} else {
			internal[fmt.Sprintf("%q", string(k.Type))] = true
		}
	}
	var out bytes.Buffer
	out.WriteString("// Code generated from pkg/events/types.go by its internal/contract. DO NOT EDIT.\n\npackage photoevents\n\nimport \"time\"\n")
	for _, d := range src.decls {
		if keep(d.node.(*ast.GenDecl), wanted, internal) {
			out.WriteString("\n" + d.text + "\n")
		}
	}
	content, err := format.Source(out.Bytes())
	return file{name: "../photoevents/types.go", content: content}, err
}

func keep(g *ast.GenDecl, wanted, internal map[string]bool) bool {
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			return wanted[s.Name.Name]
		case *ast.ValueSpec:
			for _, v := range s.Values {
				if lit, ok := v.(*ast.BasicLit); ok && internal[lit.Value] {
					return false
				}
			}
		}
	}
	return true
}

// reach marks the names of all types of package events that t is made of.
func reach(t reflect.Type, names map[string]bool) {
	switch {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice:
		reach(t.Elem(), names)
	case t.PkgPath() == reflect.TypeFor[events.Job]().PkgPath():
		names[t.Name()] = true
		if t.Kind() == reflect.Struct {
			for i := range t.NumField() {
				reach(t.Field(i).Type, names)
			}
		}
	}
}
