/** The YAML library, as far as it is used here: for the config of this machine and the compose files of a host. */
export {
  Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLMap,
} from 'yaml'
