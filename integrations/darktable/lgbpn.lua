--[[
lgbpn in darktable: an export target that denoises what darktable has developed, and an action on the selected images that
denoises their files, such as camera raw, before darktable develops them. Results are imported beside their images and
grouped with them.

Copy this file to darktable's folder for scripts, ~/.config/darktable/lua (Windows: %LOCALAPPDATA%\darktable\lua), and add
the line   require "lgbpn"   to the file luarc in the folder above. Where lgbpn is and what it is called with can be said in
the preferences, under Lua options.
]]

local dt = require "darktable"

local NAME = "lgbpn"
local RESULT_SUFFIX = "_denoised"
local windows = dt.configuration.running_os == "windows"

-- Without its window, as in darktable-cli, darktable has no preferences to register and waits for them for ever.
local has_preferences = dt.configuration.has_gui
if has_preferences then
  dt.preferences.register(NAME, "command", "string", "lgbpn: command",
    "the program, with its folder if darktable does not find it by itself", "lgbpn")
  dt.preferences.register(NAME, "options", "string", "lgbpn: options",
    "added to each call, such as --quality best --luma 0.7; see lgbpn denoise --help", "")
end

local function preference(name, otherwise)
  return has_preferences and dt.preferences.read(NAME, name, "string") or otherwise
end

-- Runs a command and returns its exit code; the window stays alive meanwhile. Without it darktable-cli would not wait.
local function execute(command)
  if dt.configuration.has_gui then return dt.control.execute(command) end
  local done, _, code = os.execute(command)
  return done and 0 or code
end

-- A word as the system's shell takes it.
local function quoted(word)
  if windows then return '"' .. word .. '"' end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- Whether lgbpn denoised these files; one run for all of them, so that the network is loaded once.
local function run(files, options)
  local words = { quoted(preference("command", "lgbpn")), "denoise", "-q" }
  for _, option in ipairs(options) do table.insert(words, option) end
  table.insert(words, preference("options", ""))
  for _, file in ipairs(files) do table.insert(words, quoted(file)) end
  local command = table.concat(words, " ")
  if windows then command = '"' .. command .. '"' end
  local done = execute(command) == 0
  if not done then dt.print("lgbpn: some images were not denoised; start darktable from a terminal to see why") end
  return done
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- Copies a file, also from one disk to another, which a new name alone would not do.
local function copy(from, to)
  local source, target = io.open(from, "rb"), io.open(to, "wb")
  if source and target then target:write(source:read("a")) end
  if source then source:close() end
  if target then target:close() end
  return source ~= nil and target ~= nil
end

local function stem_of(name) return name:match("^(.*)%.[^.]*$") or name end

-- A path beside an image that no file has.
local function free_path(image, ending)
  local stem = image.path .. "/" .. stem_of(image.filename) .. "_" .. NAME
  local path, number = stem .. ending, 2
  while exists(path) do
    path = stem .. "-" .. number .. ending
    number = number + 1
  end
  return path
end

local function import_beside(image, path)
  local imported = dt.database.import(path)
  if imported then imported:group_with(image) end
  return imported
end

-- The export target ------------------------------------------------------------------------------------------

local function store(_, image, _, filename, number, total)
  dt.print(string.format("lgbpn: developed %d of %d", number, total))
end

local function finalize(_, exported)
  local images, files = {}, {}
  for image, file in pairs(exported) do
    table.insert(images, image)
    table.insert(files, file)
  end
  if #files == 0 then return end
  dt.print(string.format("lgbpn: denoising %d", #files))
  run(files, { "--in-place" })
  for index, image in ipairs(images) do
    local path = free_path(image, files[index]:match("%.[^.]*$"))
    if copy(files[index], path) then import_beside(image, path) end
    os.remove(files[index])
  end
end

local function is_tiff(_, format) return format.extension == "tif" end

local function ask_for_16_bits(_, format)
  if format.bpp and format.bpp < 16 then format.bpp = 16 end
end

dt.register_storage(NAME, "lgbpn: denoise and import", store, finalize, is_tiff, ask_for_16_bits)

-- The action on files ------------------------------------------------------------------------------------------

-- Denoises the files of images; returns the images of the results, which are grouped with them.
local function denoise_files(images)
  local files, results = {}, {}
  for _, image in ipairs(images) do table.insert(files, image.path .. "/" .. image.filename) end
  if #files == 0 then return results end
  run(files, {})
  for _, image in ipairs(images) do
    local stem = image.path .. "/" .. stem_of(image.filename) .. RESULT_SUFFIX
    for _, ending in ipairs({ ".dng", image.filename:match("%.[^.]*$") or "" }) do
      if exists(stem .. ending) then
        table.insert(results, import_beside(image, stem .. ending))
        break
      end
    end
  end
  dt.print(string.format("lgbpn: %d of %d denoised and imported", #results, #images))
  return results
end

if dt.gui and dt.gui.libs.image.register_action then
  dt.gui.libs.image.register_action(NAME, "denoise with lgbpn", function(_, images) denoise_files(images) end,
    "denoise the files of the selected images; of camera raw, a DNG is imported beside it")
end

return { denoise_files = denoise_files, finalize = finalize }
