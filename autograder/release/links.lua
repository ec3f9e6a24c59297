-- A PDF is read alone: links to files beside the source lead nowhere, and Typst refuses links to headings that do not
-- exist. Both become plain text. A picture of no stated size gets one by its pixels, 1,300 for the width of the text. A
-- title, a paragraph all in italics, stays with the picture or table that it is above or, if it has none, below.

local function is_picture(block)
  return block and (block.t == "Table" or block.t == "Para" and #block.content == 1 and block.content[1].t == "Image")
end

local function is_title(block)
  return block and block.t == "Para" and #block.content == 1 and block.content[1].t == "Emph"
end

local function keep_titles(blocks)
  local i = 1
  while i < #blocks do
    local above, below = blocks[i], blocks[i + 1]
    if is_title(above) and is_picture(below) or is_picture(above) and is_title(below) then
      blocks[i] = pandoc.Div({above}, {["typst:sticky"] = "true"})
      i = i + 1
    end
    i = i + 1
  end
  return blocks
end

function Pandoc(document)
  local known = {}
  document:walk({Header = function(header) known["#" .. header.identifier] = true end})
  return document:walk({
    Blocks = keep_titles,
    Link = function(link)
      if not known[link.target] and not link.target:match("^%a[%w+.-]*:") then return link.content end
    end,
    Image = function(image)
      local found, _, content = pcall(pandoc.mediabag.fetch, image.src)
      local read, size = pcall(pandoc.image.size, found and content or "")
      if read and not image.attributes.width then
        image.attributes.width = math.floor(math.min(100, size.width / 13)) .. "%"
      end
      return image
    end,
  })
end
