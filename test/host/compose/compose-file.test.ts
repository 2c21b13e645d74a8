import { describe, expect, test } from 'vitest'
import { findImage, withImage } from '../../../src/host/compose/compose-file.ts'

const file = (text: string, path = '/pds/compose.yaml') => ({ path, text })
const edited = (...texts: string[]): string =>
  withImage(
    findImage(
      texts.map((text, at) => file(text, at === 0 ? undefined : '/pds/over.yaml')),
      'pds',
    ),
    'new/pds:2',
  )
const service = (body: string): string => `services:\n  pds:\n${body.replaceAll(/^/gm, '    ')}\n`

describe('the image is replaced, and not a byte beside it', () => {
  test.each([
    ['a comment behind it', service('image: a/pds:1 # moves\nnetwork_mode: host')],
    ['double quotes', service('image:   "a/pds:1"   # moves')],
    ['single quotes', service("image: 'a/pds:1'")],
    ['a flow map', "services: {pds: {image: 'a/pds:1', x: [1, 2]}}"],
    ['CRLF and no final newline', 'services:\r\n  pds:\r\n    image: a/pds:1\r\n    x: "1"'],
    ['a byte order mark', `\uFEFF${service('image: a/pds:1')}`],
    ['the same image in another service', `${service('image: a/pds:1')}  other:\n    image: a/b:1\n`],
    ['an anchor that nobody uses', service('image: &it a/pds:1')],
    ['a merge that it overrides', `x: &x\n  image: b\n${service('<<: *x\nimage: a/pds:1')}`],
    ['a tab, odd indents and umlauts', `# für\tuns\nservices:\n      pds:\n            image: a/pds:1\n`],
  ])('%s', (_name, text) => {
    const at = text.indexOf('a/pds:1')
    expect(edited(text)).toBe(`${text.slice(0, at)}new/pds:2${text.slice(at + 'a/pds:1'.length)}`)
  })

  test('an override file that does not set it changes nothing', () =>
    expect(edited(service('image: a'), service('ports: []'))).toBe(service('image: new/pds:2')))
})

describe('an image that comes from elsewhere is not touched, and it is said where it comes from', () => {
  test.each([
    ['an alias', `x: &img a\n${service('image: *img')}`, /\*img, an alias/],
    ['an alias of the service', 'x: &x\n  image: a\nservices:\n  pds: *x\n', /\*x, an alias/],
    ['a merge', `x: &base\n  image: a\n${service('<<: *base')}`, /&base, merged in/],
    [
      'an anchor that others use',
      `${service('image: &i a')}  b:\n    image: *i\n`,
      /other parts of the file/,
    ],
    ['interpolation', service(`image: a:${'$'}{TAG:-1}`), /put together/],
    ['extends', service('extends:\n  service: b'), /extends another service/],
    ['build', service('build: .'), /built on the host/],
    ['include', 'include: [more.yaml]\nservices: {}\n', /includes/],
    ['a block scalar', service('image: >-\n  a'), /several lines/],
    ['nothing', service('ports: []'), /has no image/],
    ['another name', 'services:\n  q:\n    image: a\n', /has no service “pds”/],
    ['no YAML', 'services: [\n', /not valid YAML/],
    ['a key that stands twice', service('image: a\nimage: b'), /not valid YAML/],
  ])('%s', (_name, text, why) => expect(() => edited(text)).toThrow(why))

  test('an override file', () =>
    expect(() => edited(service('image: a'), service('image: b'))).toThrow('is set by /pds/over.yaml'))
})
